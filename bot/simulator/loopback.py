"""The loopback server that each simulator runs."""

from aiohttp import web


class Loopback:
    """An HTTP server on 127.0.0.1. `port`: 0 picks a free one, which is known once the server is open."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._runner: web.AppRunner | None = None

    @property
    def host(self) -> str:
        """Host and port, as written in a URL."""
        return f"127.0.0.1:{self.port}"

    async def open(self, app: web.Application, *, grace_s: float, cancel: bool = False) -> None:
        """Serve an application. Raise `OSError` if the port is taken.

        `grace_s`: how long `close` waits for requests in progress. `cancel`: a request ends when its client leaves.
        """
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace_s, handler_cancellation=cancel)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self.port = int(runner.addresses[0][1])
        self._runner = runner

    async def stop_listening(self) -> None:
        """Accept no more connections; open ones go on."""
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()

    async def close(self) -> None:
        """End the server and its connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
