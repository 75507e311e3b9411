# socket, select, selectors, socketserver, ssl-less http on the loopback.
import http.client
import http.server
import select
import selectors
import socket
import threading

a, b = socket.socketpair()
a.sendall(b"x" * 100)
print(len(b.recv(1000)), select.select([a, b], [a], [], 0)[1] == [a])
server = socket.create_server(("127.0.0.1", 0))
conn = socket.create_connection(server.getsockname())
peer, address = server.accept()
print(address[0], peer.getpeername() == conn.getsockname())
socket.send_fds(a, [b"!"], [peer.fileno()])
message, fds, flags, _ = socket.recv_fds(b, 10, 1)
print(message, len(fds), flags)
conn.sendall(b"over tcp")
print(socket.socket(fileno=fds[0]).recv(100))
sel = selectors.DefaultSelector()
sel.register(peer, selectors.EVENT_READ, "peer")
print(type(sel).__name__, sel.select(0), end=" ")
conn.close()
print([(k.data, m) for k, m in sel.select(1)], peer.recv(1))
try:
    socket.create_connection(("127.0.0.1", 1), 1)
except ConnectionRefusedError as error:
    print(error)


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode() * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
thread.start()
for n in range(3):
    client = http.client.HTTPConnection(*web.server_address)
    client.request("GET", f"/{n}")
    answer = client.getresponse()
    print(answer.status, len(answer.read()))
    client.close()
web.shutdown()
thread.join()
print(socket.getaddrinfo("127.0.0.1", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4], socket.gethostname())
