"""`parley run`, which also prints every second its number of tasks and by how much its event loop was late."""

import asyncio
import gc

from bot import app, config
from bot.cli.logs import set_up_logs


async def _watch() -> None:
    clock = asyncio.get_running_loop().time
    while True:
        late_s = 0.0
        for _ in range(100):
            due_s = clock() + 0.01
            await asyncio.sleep(0.01)
            late_s = max(late_s, clock() - due_s)
        print(len(asyncio.all_tasks()), round(late_s * 1000), flush=True)


async def _serve(settings: config.Settings, secrets: config.Secrets) -> None:
    stop = asyncio.Event()
    watch = asyncio.create_task(_watch())
    with app.stopped_by_signals(stop.set):
        await app.serve(settings, secrets, stop, built=gc.freeze)
    watch.cancel()


if __name__ == "__main__":
    settings, secrets = config.load("config.toml")
    set_up_logs(settings.log.level, settings.log.format)
    asyncio.run(_serve(settings, secrets))
