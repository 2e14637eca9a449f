"""Who is measured: a shop of the benchmark's own, the bare server, their stock and history, and the audit afterwards."""
