"""What both adapters do alike, written once. It knows no SDK and neither platform.

- `order`     what happens in a channel, one event at a time; `door` hands it in
- `catch_up`  what was missed, over an adapter's `source`; `agenda` which place is read next
- `gate`      the way to a client that comes and goes
- `buttons`   what is written on a button, and the id by which a press is known
- `whisper`   what one person is told, and nobody else sees
- `back_off`  how long to wait before something is tried again
- `patience`  how long a read of earlier talk is tried
- `clock`     the platform's clock, as its answers tell it
- `others`    other processes that use the bot's account
- `shape`     what the log may hold of an event or an answer that cannot be read
- `cut`       words that are too long for their place
"""
