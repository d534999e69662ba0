"""A process that draws: ``python -I draughtsman.py``; a line of JSON {"spec", "locale"} in, one {"svg"} or {"error"} out.

The engine of Vega ends its process when a text holds what SVG cannot hold (vl-convert 1.9). Texts are cleaned before
they come here; whatever still slips through ends this process, and not the site.
"""

import json
import resource
import sys

import vl_convert


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin.buffer:
        job = json.loads(line)
        try:
            svg = vl_convert.vegalite_to_svg(job["spec"], format_locale=job["locale"], allowed_base_urls=[])
            told = {"svg": svg}
        except ValueError as error:
            told = {"error": str(error)[:2000]}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
