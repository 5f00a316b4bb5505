"""`parley run`, which also prints the number of its tasks every second."""

import asyncio

from bot import app, config
from bot.cli import set_up_logs


async def _count() -> None:
    while True:
        print(len(asyncio.all_tasks()), flush=True)
        await asyncio.sleep(1)


async def _serve(settings: config.Settings, secrets: config.Secrets) -> None:
    stop = asyncio.Event()
    counter = asyncio.create_task(_count())
    with app.stopped_by_signals(stop.set):
        await app.serve(settings, secrets, stop)
    counter.cancel()


if __name__ == "__main__":
    settings, secrets = config.load("config.toml")
    set_up_logs(settings.log.level, settings.log.format)
    asyncio.run(_serve(settings, secrets))
