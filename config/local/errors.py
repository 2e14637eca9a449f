"""What may go wrong with this machine's own stores, in words that say what to do next."""

import errno


class StoreError(Exception):
    """An embedded store, or a port of ours, cannot be had; the text says what to do.

    Retry: after doing what the text says.
    """


def explain(error: OSError, what: str) -> StoreError:
    """Turn an error of the file system into a sentence with its remedy."""
    path = error.filename or ""
    remedies = {
        errno.EROFS: "the disk is read-only; set CHECKOUT_DATA_DIR to a folder on a disk that can be written",
        errno.EACCES: "no permission; run as the user who owns it, or set CHECKOUT_DATA_DIR to another folder",
        errno.EPERM: "no permission; run as the user who owns it, or set CHECKOUT_DATA_DIR to another folder",
        errno.ENOSPC: "the disk is full; free some space and start again",
        errno.EDQUOT: "the disk quota is used up; free some space and start again",
        errno.ENOTDIR: "a part of the path is a file; set CHECKOUT_DATA_DIR to a folder",
        errno.EEXIST: "there is a file in its place; set CHECKOUT_DATA_DIR to a folder",
        errno.ENOENT: "the path cannot be made; set CHECKOUT_DATA_DIR to a folder that can",
    }
    remedy = remedies.get(error.errno or 0, f"{error.strerror}; set CHECKOUT_DATA_DIR to another folder")
    return StoreError(f"{what} {path}: {remedy}.")
