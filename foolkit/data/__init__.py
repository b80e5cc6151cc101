"""Images and labels: the embedded digits, and MNIST."""

from foolkit.data.digits import digits, mnist

__all__ = ["digits", "mnist"]
