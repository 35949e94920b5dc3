"""The entry of the policy pack: `pulumi preview --policy-pack policies`.

Levels and exemptions come from the stack's file, which the engine hands over: see configuration.py.
"""

import datetime as dt
import sys
from pathlib import Path

import pulumi

# The engine runs this folder by its path, not as a package.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from policies.configuration import ConfigurationError, parse
from policies.pack import pack
from policies.table import known

try:
    configuration = parse(pulumi.runtime.get_config_env(), known())
except ConfigurationError as error:
    # Not raised: the SDK would print its traceback before the message.
    pulumi.log.error(f"The rules cannot be held as the stack's file asks; nothing was changed.\n\n{error}")
    sys.exit(1)
pack(configuration, dt.datetime.now(tz=dt.UTC).date())
