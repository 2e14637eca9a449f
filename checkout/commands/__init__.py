"""What the command line does, one file a family of commands; `checkout/__main__.py` names and wires them."""
