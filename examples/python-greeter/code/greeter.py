"""The four methods. They keep nothing between calls: the next one may reach another instance."""

import json
import time
from collections import defaultdict
from pathlib import Path

import helloworld_pb2
import helloworld_pb2_grpc
from geometry import contains, distance_metres, place


def load_features() -> list[helloworld_pb2.Feature]:
    """The places that ListFeatures and RecordRoute know."""
    text = (Path(__file__).parent / "features.json").read_text(encoding="utf-8")
    return [
        helloworld_pb2.Feature(name=feature["name"], location=helloworld_pb2.Point(**feature["location"]))
        for feature in json.loads(text)
    ]


class Greeter(helloworld_pb2_grpc.GreeterServicer):
    def __init__(self):
        self._features = load_features()
        self._places = {place(feature.location) for feature in self._features}

    def SayHello(self, request, context):
        print(f"SayHello name={json.dumps(request.name)}")
        return helloworld_pb2.HelloReply(message=f"Hello {request.name}")

    def ListFeatures(self, request, context):
        for feature in self._features:
            if contains(request, feature.location):
                yield feature

    def RecordRoute(self, request_iterator, context):
        started_at = time.monotonic()
        points = features = 0
        length_metres = 0.0
        previous = None
        for point in request_iterator:
            points += 1
            features += place(point) in self._places
            if previous is not None:
                length_metres += distance_metres(previous, point)
            previous = point
        return helloworld_pb2.RouteSummary(
            point_count=points,
            feature_count=features,
            distance=int(length_metres),
            elapsed_time=int(time.monotonic() - started_at),
        )

    def RouteChat(self, request_iterator, context):
        notes = defaultdict(list)
        for note in request_iterator:
            here = notes[place(note.location)]
            yield from here
            here.append(note)
