"""Signs each call with an access key, as triggers with authType function ask for (Function Compute, "Signature
authentication")."""

import base64
import email.utils
import hashlib
import hmac
import os
from urllib.parse import urlsplit

import grpc


class Signer(grpc.AuthMetadataPlugin):
    """For grpc.metadata_call_credentials. The signature covers the path of the call, so there is one for each. If a call
    has x-fc-* metadata of its own, lines "name:value" of it stand, sorted, before the path."""

    def __init__(self, access_key_id: str, access_key_secret: str):
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret.encode()

    @classmethod
    def of_environment(cls):
        try:
            return cls(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
        except KeyError as missing:
            raise ValueError(f"-sign: set {missing.args[0]}") from None

    def __call__(self, context, callback):
        path = f"{urlsplit(context.service_url).path}/{context.method_name}"
        date = email.utils.formatdate(usegmt=True)
        text = f"POST\n\napplication/grpc\n{date}\n{path}\n"
        signature = base64.b64encode(hmac.digest(self.access_key_secret, text.encode(), hashlib.sha256)).decode()
        callback((("date", date), ("authorization", f"FC {self.access_key_id}:{signature}")), None)
