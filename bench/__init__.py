"""Load and its judgement: users shaped by real baskets, floors, ceilings, reports. Imported by nothing else."""
