"""``eval "$(python -m flows)"``: gives a shell the settings that server and worker need as well."""

import shlex

from flows.environment import prefect_settings
from pipelines.settings import Settings

if __name__ == "__main__":
    for name, value in prefect_settings(Settings()).items():
        print(f"export {name}={shlex.quote(value)}")
