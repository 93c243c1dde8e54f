"""`python -m heed`."""

from heed.application import application

if __name__ == "__main__":
    application(prog_name="python -m heed")
