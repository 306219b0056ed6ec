"""The client of the greeter: calls all four kinds of methods over TLS and prints a line for each."""

import argparse
import json
import os
import sys
from pathlib import Path

# The generated code, and last the packages that a deploy has put there, for when none are installed.
CODE = Path(__file__).parent / "code"
sys.path[1:1] = [str(CODE)]
sys.path.append(str(CODE / "vendor"))

import grpc  # noqa: E402

import helloworld_pb2 as pb  # noqa: E402
import helloworld_pb2_grpc  # noqa: E402
from sign import Signer  # noqa: E402

# Where Function Compute and Sluice serve gRPC.
DEFAULT_PORT = 8089

# Leaves room for a cold start.
CALL_TIMEOUT_SECONDS = 30

# Holds every feature that the greeter knows.
AREA = pb.Rectangle(
    lo=pb.Point(latitude=520000000, longitude=46000000), hi=pb.Point(latitude=530000000, longitude=48000000)
)

# A walk over three points; the first and the last are features.
ROUTE = [
    pb.Point(latitude=523871200, longitude=46425300),
    pb.Point(latitude=524000000, longitude=46700000),
    pb.Point(latitude=524159200, longitude=46954100),
]


def say_hello(client, options):
    reply = client.SayHello(pb.HelloRequest(name=options.name), timeout=CALL_TIMEOUT_SECONDS)
    print(f"Greeting: {reply.message}")


def list_features(client, options):
    names = [feature.name for feature in client.ListFeatures(AREA, timeout=CALL_TIMEOUT_SECONDS)]
    if not names:
        raise ValueError("the greeter knows no features")
    print(f"Features: {len(names)}, from {names[0]} to {names[-1]}")


def record_route(client, options):
    summary = client.RecordRoute(iter(ROUTE), timeout=CALL_TIMEOUT_SECONDS)
    print(f"Route: {summary.point_count} points, {summary.feature_count} features, {summary.distance} m")


def route_chat(client, options):
    """Leaves a note at the start of the route, at its end, and at its start again: the first one comes back."""
    notes = [
        pb.RouteNote(location=ROUTE[0], message="setting out"),
        pb.RouteNote(location=ROUTE[-1], message="arrived"),
        pb.RouteNote(location=ROUTE[0], message="back again"),
    ]
    messages = [note.message for note in client.RouteChat(iter(notes), timeout=CALL_TIMEOUT_SECONDS)]
    print(f"Chat: {len(messages)} earlier note here: {json.dumps(messages)}")


CALLS = {"hello": say_hello, "features": list_features, "route": record_route, "chat": route_chat}


def read_options():
    # No abbreviations: with them -a would be -addr or -authority.
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    address_help = f"host, host:port or https://host:port of the function; port {DEFAULT_PORT} if none is given"
    parser.add_argument("-addr", "--addr", default="localhost", help=address_help)
    parser.add_argument("-name", "--name", default="world", help="whom to greet")
    parser.add_argument("-authority", "--authority", help="host name to ask for and to verify, where -addr is another")
    parser.add_argument(
        "-cafile",
        "--cafile",
        default=os.environ.get("SLUICE_CA_FILE"),
        help="PEM file of the CA to trust (environment: SLUICE_CA_FILE); else the roots that grpcio knows",
    )
    sign_help = "sign the calls; the key is that of ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
    parser.add_argument("-sign", "--sign", action="store_true", help=sign_help)
    parser.add_argument("-only", "--only", choices=CALLS, help="make one call only")
    return parser.parse_args()


def dial_address(addr: str) -> str:
    """host:port of what people paste after -addr."""
    rest = addr.removeprefix("https://").removesuffix("/")
    if not rest or "/" in rest:
        raise ValueError(f"-addr {addr} is not a host, host:port or https://host:port")
    if rest.count(":") > 1 and not rest.startswith("["):
        return f"[{rest}]:{DEFAULT_PORT}"
    return rest if ":" in rest.rpartition("]")[2] else f"{rest}:{DEFAULT_PORT}"


def connect(options):
    """Prepares a TLS connection; it is opened by the first call. The certificate is always verified."""
    roots = Path(options.cafile).read_bytes() if options.cafile else None
    # Sets the server name and, with it, the authority of the calls.
    names = [("grpc.ssl_target_name_override", options.authority)] if options.authority else []
    credentials = grpc.ssl_channel_credentials(roots)
    if options.sign:
        signer = grpc.metadata_call_credentials(Signer.of_environment())
        credentials = grpc.composite_channel_credentials(credentials, signer)
    return grpc.secure_channel(dial_address(options.addr), credentials, names)


def main():
    options = read_options()
    name = "connect"
    try:
        with connect(options) as channel:
            client = helloworld_pb2_grpc.GreeterStub(channel)
            for name in [options.only] if options.only else CALLS:
                CALLS[name](client, options)
    except grpc.RpcError as error:
        sys.exit(f"greeter client: {name}: {error.code().name}: {error.details()}")
    except (OSError, ValueError) as error:
        sys.exit(f"greeter client: {name}: {error}")


if __name__ == "__main__":
    main()
