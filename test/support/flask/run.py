"""Starts flasky, on loopback alone, as the services of the platform are started.

The working directory is the service's own: .flaskenv, services.json and instance/ lie there.
"""

import os
import sys

from dotenv import load_dotenv

sys.dont_write_bytecode = True
load_dotenv(".flaskenv")

from app import create_app  # noqa: E402  (reads the environment)

app = create_app()

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("FLASK_RUN_PORT", "5090")), threaded=True)
