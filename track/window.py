"""The live window, through matplotlib: headless OpenCV has none of its own."""

from collections.abc import Callable

import numpy as np

from tirjax.data.sequence import DataError

# Tried in this order; the first is what the `show` extra installs.
TOOLKITS = ("qtagg", "macosx", "gtk4agg", "gtk3agg", "tkagg", "wxagg")
TICK = 0.001  # seconds that a picture gives the toolkit to react
SMALLEST = 2.0  # pixels of the picture; what is dragged smaller was a click


class Window:
    """Shows pictures until the user closes it, and tells what the user does there.

    Attributes:
      closed: whether the user has closed it.

    Raises:
      DataError: there is no display, or no toolkit to draw on it with.
    """

    def __init__(self, title: str):
        import matplotlib.pyplot as plt

        _choose(plt)
        self.closed = False
        self._keys: list[str] = []
        # The picture has its own legend; the toolkit's buttons only take room.
        with plt.rc_context({"toolbar": "None"}):
            self._figure = plt.figure(title, figsize=(9.6, 7.2))
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._image = None
        canvas = self._figure.canvas
        # Its own keys save the figure and close it.
        if (own := getattr(canvas.manager, "key_press_handler_id", None)) is not None:
            canvas.mpl_disconnect(own)
        canvas.mpl_connect("close_event", self._note)
        canvas.mpl_connect("key_press_event", lambda e: self._keys.append(e.key or ""))
        self._figure.show()

    def show(self, picture: np.ndarray) -> None:
        """Draws a picture, uint8 blue green red, and lets the toolkit react."""
        rgb = np.ascontiguousarray(picture[..., ::-1])
        if self._image is None or self._image.get_size() != rgb.shape[:2]:
            self._axes.clear()
            self._axes.set_axis_off()
            self._image = self._axes.imshow(rgb)
        self._image.set_data(rgb)
        self._figure.canvas.draw_idle()
        self.wait(TICK)

    def wait(self, seconds: float) -> None:
        """Lets the toolkit react for so long, with the same picture."""
        self._figure.canvas.start_event_loop(seconds)

    def keys(self) -> list[str]:
        """Keys pressed since the last call, as matplotlib names them."""
        pressed, self._keys = self._keys, []
        return pressed

    def select(
        self, picture: np.ndarray, stopped: Callable[[], bool]
    ) -> np.ndarray | None:
        """Shows a picture until a box is dragged on it.

        Args:
          picture: as for ``show``.
          stopped: asked again and again; True gives up.

        Returns:
          ``(x, y, w, h)``, pixels of the picture; None if the user presses Escape or
          `q`, closes the window, or is stopped.
        """
        from matplotlib.backend_bases import MouseButton
        from matplotlib.widgets import RectangleSelector

        self.show(picture)
        drawn: list[np.ndarray] = []

        def take(press, release):
            (x0, x1), (y0, y1) = selector.extents[:2], selector.extents[2:]
            drawn.append(np.array([x0, y0, x1 - x0, y1 - y0]))

        selector = RectangleSelector(
            self._axes,
            take,
            minspanx=SMALLEST,
            minspany=SMALLEST,
            button=[MouseButton.LEFT],
            props={"fill": False, "edgecolor": "tab:orange", "linewidth": 2},
        )
        try:
            while not (drawn or self.closed or stopped()):
                self.wait(0.05)
                if {"escape", "q"} & {*self.keys()}:
                    return None
        finally:
            selector.disconnect_events()
            for artist in selector.artists:
                artist.remove()
        # The pixel (0, 0) of a shown picture has its middle there.
        return drawn[0] + [0.5, 0.5, 0, 0] if drawn else None

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
