# asyncio: timers, subprocesses, servers, signals, threads.
import asyncio
import os
import signal


async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
    writer.close()


async def client(port, word):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{word}\n".encode())
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer.decode().strip()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(client(port, f"word{n}") for n in range(20))))
    server.close()
    child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    print(await child.communicate(b"through cat"), child.returncode)
    got = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 5)
    print(await asyncio.to_thread(sum, range(100)))
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except TimeoutError:
        print("timeout")
    unix = await asyncio.start_unix_server(handle, "socket")
    reader, writer = await asyncio.open_unix_connection("socket")
    writer.write(b"unix\n")
    print(await reader.readline())
    writer.close()
    unix.close()


asyncio.run(main())
