"""The live window, through matplotlib: headless OpenCV has none of its own."""

import numpy as np

from tirjax.data.sequence import DataError

# Tried in this order; the first is what the `show` extra installs.
TOOLKITS = ("qtagg", "macosx", "gtk4agg", "gtk3agg", "tkagg", "wxagg")


class Window:
    """Shows pictures until the user closes it.

    Attributes:
      closed: whether the user has closed it.

    Raises:
      DataError: there is no display, or no toolkit to draw on it with.
    """

    def __init__(self, title: str):
        import matplotlib.pyplot as plt

        _choose(plt)
        self.closed = False
        # The picture has its own legend; the toolkit's buttons only take room.
        with plt.rc_context({"toolbar": "None"}):
            self._figure = plt.figure(title, figsize=(9.6, 7.2))
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._image = None
        self._figure.canvas.mpl_connect("close_event", self._note)
        self._figure.show()

    def show(self, picture: np.ndarray) -> None:
        """Draws a picture, uint8 blue green red, and lets the toolkit react."""
        rgb = np.ascontiguousarray(picture[..., ::-1])
        if self._image is None:
            self._image = self._axes.imshow(rgb)
        self._image.set_data(rgb)
        self._figure.canvas.draw_idle()
        self._figure.canvas.start_event_loop(0.001)

    def close(self) -> None:
        """Closes it; a second time does nothing."""
        import matplotlib.pyplot as plt

        plt.close(self._figure)

    def _note(self, event) -> None:
        self.closed = True


def _choose(plt) -> None:
    """Switches to the first toolkit that works here."""
    reasons = []
    for toolkit in TOOLKITS:
        try:
            plt.switch_backend(toolkit)
        except (ImportError, RuntimeError) as error:
            reasons.append(str(error))
        else:
            return
    if any("headless" in reason for reason in reasons):
        raise DataError(
            "--show: this session has no display; run it on a desktop (or with "
            "`ssh -X`), or leave out --show and open the video"
        )
    raise DataError(
        "--show: matplotlib finds no toolkit for a window; "
        "`pip install 'tirjax[show]'`, or leave out --show"
    )
