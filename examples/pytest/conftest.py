"""A server for tests: `carillon serve --test-mode`, or the one that AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS names, as in CI. Copy this file."""

import json
import os
import re
import subprocess
import urllib.parse
import urllib.request

import boto3
import pytest


class Carillon:
    """A running server and the calls of its test mode."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def sdk(self):
        """Returns a client of the AWS SDK."""
        return boto3.client("chime-sdk-meetings", endpoint_url=self.endpoint, region_name="us-east-1",
                            aws_access_key_id="test", aws_secret_access_key="test")

    def advance(self, by):
        """Moves the clock forward, as by "10m"; what was due by then has happened."""
        return self.call("POST", "clock", {"advance": by})

    def fail(self, **fault):
        """Has calls fail or wait: operation, error, status, message, retryAfter, delay, calls, flavour, account."""
        return self.call("POST", "faults", fault)

    def throttle(self, operation, calls):
        """Refuses the next calls of an operation as too many."""
        return self.fail(operation=operation, error="ThrottledClientException", calls=calls)

    def drop(self, meeting, attendee):
        """Breaks the connection of an attendee's client as a failing line would."""
        return self.call("POST", f"meetings/{meeting}/attendees/{attendee}/drop")

    def end(self, meeting):
        """Ends a meeting."""
        return self.call("POST", f"meetings/{meeting}/end")

    def events(self, **which):
        """Returns the events so far, or as soon as there is one: type, meeting, attendee, after, wait."""
        return self.call("GET", "events?" + urllib.parse.urlencode(which))["events"]

    def reset(self):
        """Ends all meetings and recordings, takes all faults away and sets the clock back."""
        return self.call("POST", "reset")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/test/v1/{path}", data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture(scope="session")
def carillon_server():
    """One server for all tests. TESTED_CARILLON names its binary; by default it is looked for on the path."""
    given = os.environ.get("AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS")
    if given:
        # pytest-xdist's workers run at the same time, and each test begins with reset.
        assert os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") == "1", "tests that share a server must not run at the same time: leave out -n, or AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS"
        yield Carillon(given)
        return
    # It stops when its standard input ends: here, and with a runner that is killed.
    command = [os.environ.get("TESTED_CARILLON", "carillon"), "serve", "--test-mode", "--test-stop-at-eof", "--listen", "127.0.0.1:0", "--media-tcp", "off", "--log-level", "error"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = next((found for line in process.stdout if (found := re.search(r"ready in .*API (\S+)", line))), None)
            assert ready, "carillon did not start"
            yield Carillon(ready[1])
        finally:
            process.stdin.close()


@pytest.fixture
def carillon(carillon_server):
    """The server, as new for each test."""
    carillon_server.reset()
    return carillon_server
