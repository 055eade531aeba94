"""Runs the openstack client without its long start.

Listens on the unix socket that is its argument. Each caller sends its arguments and
environment as JSON with its three standard files; a child that has all modules
loaded already runs the client on them, and its exit code goes back.
"""
import json
import os
import socket
import sys

from openstackclient import shell
import keystoneclient.v3.client  # noqa: F401
import keystoneauth1.extras.oauth1  # noqa: F401
import openstack.connection  # noqa: F401
import osc_lib.api.auth  # noqa: F401


def run(request, files):
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["dir"])
    sys.argv = ["openstack"] + request["args"]
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode) for n, mode in ((0, "r"), (1, "w"), (2, "w")))
    try:
        code = shell.main(request["args"])
    except SystemExit as e:
        code = e.code
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)


def serve(caller):
    message, files, _, _ = socket.recv_fds(caller, 1 << 20, 3)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = run(json.loads(message), files)
        finally:
            os._exit(code)
    for file in files:
        os.close(file)
    _, status = os.waitpid(child, 0)
    caller.send(str(os.waitstatus_to_exitcode(status)).encode())


def main():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(sys.argv[1])
    listener.listen(16)
    print("ready", flush=True)
    while True:
        caller, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            serve(caller)
            os._exit(0)
        caller.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


main()
