"""The three services. Each has the same rooms, and imports run one way through them:

``__main__ → app → settings → api | handlers → store → domain``

* ``__main__`` starts the process; ``app`` wires it together and is the only place that knows concrete things;
* ``settings`` says what the surroundings must tell; ``api`` is HTTP in; ``handlers`` is what the desk asks of us;
* ``store`` holds SQL, one function per statement; ``domain`` decides, without I/O, clock or chance.
"""
