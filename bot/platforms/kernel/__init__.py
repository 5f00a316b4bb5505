"""What both adapters do alike, written once. It knows no SDK and neither platform.

- `order`     what happens in a channel, one event at a time
- `back_off`  how long to wait before something is tried again
- `patience`  how long a read of earlier talk is tried
- `clock`     the platform's clock, as its answers tell it
- `shape`     what the log may hold of an event or an answer that cannot be read
- `cut`       words that are too long for their place
"""
