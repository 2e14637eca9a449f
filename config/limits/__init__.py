"""Every bound in the system: why it exists, its number, and how it relates to the others.

The relations at the end of each section are evaluated at import: a number changed without its neighbours
stops the start. Names carry their unit last. Nothing here is read from the environment; the few bounds that
an operator may move are settings whose accepted range is written here.
"""

from config.limits.clients import *  # noqa: F403 - one name for all bounds
from config.limits.people import *  # noqa: F403 - one name for all bounds
from config.limits.selling import *  # noqa: F403 - one name for all bounds
from config.limits.stores import *  # noqa: F403 - one name for all bounds
