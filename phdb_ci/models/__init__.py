"""All records: frozen, strict about unknown keys, written as JSON and read back.

One file per step of the flow (matrix, sources, inventory, plan, results, verdict). Records hold facts and no
behaviour beyond reading them; they import nothing of phdb-ci but each other and base.
"""

import os

# What a record accepts is not for a plugin that happens to be installed beside us, and looking for one takes 5 ms.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
