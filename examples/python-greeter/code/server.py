"""The greeter: a gRPC server as Function Compute expects it.

It speaks HTTP/2 without TLS, because the platform ends TLS, and listens on all interfaces, because the platform
connects from outside.
"""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

import helloworld_pb2
import helloworld_pb2_grpc
from greeter import Greeter

# Serves when FC_SERVER_PORT does not say otherwise; s.yaml names it as caPort.
DEFAULT_PORT = 8089

# Every open call holds a thread: the instanceConcurrency of s.yaml, and some for health checks and reflection.
THREADS = 10 + 4

# How long open calls may go on after SIGTERM: the timeout of s.yaml.
GRACE_SECONDS = 30


def main() -> None:
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())

    # Without SO_REUSEPORT a port that is taken is an error, not shared in silence.
    server = grpc.server(ThreadPoolExecutor(max_workers=THREADS), options=[("grpc.so_reuseport", 0)])
    service = helloworld_pb2.DESCRIPTOR.services_by_name["Greeter"].full_name
    helloworld_pb2_grpc.add_GreeterServicer_to_server(Greeter(), server)
    health_servicer = health.HealthServicer()
    for name in ("", service):
        health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((service, reflection.SERVICE_NAME), server)

    address = f"[::]:{os.environ.get('FC_SERVER_PORT') or DEFAULT_PORT}"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        sys.exit(f"greeter cannot listen on {address}: {error}")
    server.start()
    print(f"greeter listening on [::]:{port}")
    stop.wait()
    health_servicer.enter_graceful_shutdown()
    server.stop(GRACE_SECONDS).wait()


if __name__ == "__main__":
    main()
