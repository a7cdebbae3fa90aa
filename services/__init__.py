"""The three services. Each service has the same parts, and imports run in one direction:

``__main__ → app → settings → api | handlers → store → domain``

* ``__main__`` starts the process; ``app`` creates and connects the concrete objects;
* ``settings`` declares the settings; ``api`` serves HTTP; ``handlers`` implements the decider for `messaging`;
* ``store`` contains the SQL, one function per statement; ``domain`` contains the rules, without I/O, clock or
  randomness.
"""
