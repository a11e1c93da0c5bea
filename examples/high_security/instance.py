"""Provider, dataset service and reports behind nginx with TLS, for clients of high security.

    python -m examples.high_security.instance [--port 9443]

Seven ports from `--port` on: nginx takes four (the provider; the provider for clients with certificates; the dataset
service; the reports), the three servers behind it the rest. Data, keys and certificates are kept in IDP_DATA_DIR
(`.idp/high_security`); `env` in it is what the clients need to know.
"""

import argparse
import os
import re
import secrets
import shlex
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import local_postgres
from examples import demo
from examples.high_security.prepare import prepare

HERE = Path(__file__).parent
DEPLOY = HERE.parents[1] / "deploy" / "nginx"
PORT = 9443  # as the configuration of nginx has it
REPORTS = ("granian", "--interface=wsgi", "--no-ws", "--log-level=error", "examples.high_security.reports:app")
FOR_CLIENTS = (
    "IDP_PUBLIC_URL", "DATASET_SERVICE_URL", "REPORTS_URL", "DATASET_SERVICE_SECRET", "ADA_PASSWORD", "CLIENT_KEYS",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
)  # fmt: skip


def main() -> int:
    """Start everything, say where it is, and end it on Ctrl-C."""
    arguments = argparse.ArgumentParser(prog="python -m examples.high_security.instance")
    arguments.add_argument("--port", type=int, default=PORT)
    port = arguments.parse_args().port
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    data = Path(os.environ.get("IDP_DATA_DIR", ".idp/high_security")).absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            demo.claim(stack, data, range(port, port + 7))
            for name in [name for name in os.environ if name.startswith(("IDP_", "DATASETS_"))]:
                del os.environ[name]  # such as those of `make demo`, if they were sourced here
            os.environ |= settings(data, port)
            run(stack, data, port)
            _write_env(data / "env")
            show(data)
            demo.watch()
    except KeyboardInterrupt:
        print("\nEnding …")
    except (demo.Failed, local_postgres.Unavailable) as error:
        print(f"high_security: {error}", file=sys.stderr)
        return 1
    return 0


def settings(data: Path, port: int) -> dict[str, str]:
    """The environment of every part, and of the clients."""
    issuer, service, reports = (f"https://localhost:{port + one}" for one in (0, 2, 3))
    keys = data / "keys"
    values = _kept(data / "env") | prepare(keys)
    return values | {
        "IDP_DATA_DIR": str(data),
        "IDP_PUBLIC_URL": issuer,
        "IDP_DPOP__NONCE": "required",
        "IDP_DEPLOY__PROXIES": "1",
        "IDP_MUTUAL_TLS__HEADER": "Client-Cert",
        "IDP_MUTUAL_TLS__PROXIES": '["127.0.0.1"]',
        "IDP_MUTUAL_TLS__URL": f"https://localhost:{port + 1}",
        "DATASETS_PUBLIC_URL": service,
        "DATASETS_ISSUER": issuer,
        "DATASETS_CLIENT_ID": "dataset-service",
        "DATASETS_CLIENT_SECRET": values["DATASET_SERVICE_SECRET"],
        "DATASETS_BOUND_TOKENS_ONLY": "true",
        "DATASETS_CERTIFICATE_HEADER": "Client-Cert",
        "DATASETS_PROXIES": "127.0.0.1",
        # For world.toml, reports.py and the clients.
        "DATASET_SERVICE_URL": service,
        "REPORTS_URL": reports,
        "CLIENT_KEYS": str(keys),
        "SSL_CERT_FILE": str(keys / "ca.pem"),
        "REQUESTS_CA_BUNDLE": str(keys / "ca.pem"),
        "NODE_EXTRA_CA_CERTS": str(keys / "ca.pem"),
    }


def _kept(file: Path) -> dict[str, str]:
    """The secrets, made once."""
    lines = file.read_text().splitlines() if file.exists() else []
    made = {"ADA_PASSWORD": demo.password(), "DATASET_SERVICE_SECRET": secrets.token_urlsafe(32)}
    return {name: dict(line.split("=", 1) for line in lines).get(name, value) for name, value in made.items()}


def run(stack: ExitStack, data: Path, port: int) -> None:
    """Start the parts in order, each when the one before it answers."""
    stack.enter_context(local_postgres.running(data))
    demo.step("Starting the identity provider")
    stack.enter_context(demo.process("idp", "serve", "--bind", f"127.0.0.1:{port + 4}", "--with-jobs"))
    demo.wait_for(f"http://127.0.0.1:{port + 4}/health/ready")
    demo.step("Declaring company, person and clients")
    demo.command("idp", "apply", str(HERE / "world.toml"))
    demo.step("Starting the dataset service, the reports and nginx")
    stack.enter_context(demo.process("dataset-service", "serve", "--bind", f"127.0.0.1:{port + 5}"))
    stack.enter_context(demo.process(*REPORTS, "--port", str(port + 6)))
    demo.wait_for(f"http://127.0.0.1:{port + 5}/health/ready")
    demo.wait_for(f"http://127.0.0.1:{port + 6}/.well-known/oauth-protected-resource")
    stack.enter_context(demo.process(*nginx(data / "nginx", data / "keys", port)))
    for name in ("IDP_PUBLIC_URL", "DATASET_SERVICE_URL"):
        demo.wait_for(f"{os.environ[name]}/health/ready")
    demo.command("dataset-service", "load", str(HERE / "datasets.toml"))


def nginx(here: Path, keys: Path, port: int) -> list[str]:
    """The command that starts it, with deploy/'s configuration and ours put into a directory `here`."""
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(DEPLOY, here)
    shutil.copytree(HERE / "nginx", here, dirs_exist_ok=True)
    for file in (here / "conf.d").iterdir():
        file.write_text(_here(file.read_text(), keys, port))
    user = "user root;\n" if os.geteuid() == 0 else ""  # its workers could not enter our directory
    (here / "nginx.conf").write_text(user + (here / "nginx.conf").read_text())
    return [_program(), "-p", str(here), "-c", "nginx.conf", "-e", "stderr"]


def _here(configuration: str, keys: Path, port: int) -> str:
    """A configuration with this instance's addresses and certificates; as we keep it, its ports are from 9443 on."""
    text = configuration.replace("    listen [::]:443 ssl;\n", "").replace("127.0.0.1:8000", "127.0.0.1:9447")
    text = text.replace("listen 443", "listen 127.0.0.1:9443", 1).replace("listen 443", "listen 127.0.0.1:9444")
    text = re.sub(r"[^ ]+\.(pem|key);", rf"{keys}/server.\1;", text)
    return re.sub(r"\b944[3-9]\b", lambda found: str(port + int(found[0]) - PORT), text)


def _program() -> str:
    """The system's nginx, or the one that `make nginx` unpacked."""
    places = [os.environ["PATH"], "/usr/sbin", "/opt/homebrew/bin", str(Path(sys.prefix) / "nginx/usr/sbin")]
    if found := shutil.which("nginx", path=os.pathsep.join(places)):
        return found
    raise demo.Failed("nginx is missing: `make nginx` says how to get it")


def _write_env(file: Path) -> None:
    """What clients need to know, for `. env` in a shell."""
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={shlex.quote(os.environ[name])}\n" for name in FOR_CLIENTS))


def show(data: Path) -> None:
    """What to do next."""
    print(
        f"""
  Identity provider   {os.environ["IDP_PUBLIC_URL"]}
  Dataset service     {os.environ["DATASET_SERVICE_URL"]}
  Reports             {os.environ["REPORTS_URL"]}

  In another terminal:  set -a; . {data / "env"}; set +a

  Ctrl-C ends everything; the next start finds its data again.""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
