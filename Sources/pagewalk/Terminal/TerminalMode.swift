import Glibc

/// The terminal as a serial line: every key goes to the guest at once and unechoed, except those that make signals.
///
/// Whatever ends the process, the terminal is as it was before: on exit, on a signal that kills, on a crash, and while
/// the process is stopped by Ctrl-Z.
enum TerminalMode {
  /// The settings from before. Written before any handler can read them.
  nonisolated(unsafe) private static var saved = termios()
  nonisolated(unsafe) private static var serial = termios()
  nonisolated(unsafe) private static var isEntered = false
  /// Whether settings are known and handlers stand: entered once, at least.
  nonisolated(unsafe) private static var isPrepared = false
  /// What signals did before, by number. Plain memory: a handler must not meet a reference count.
  nonisolated(unsafe) private static let previousActions = UnsafeMutablePointer<sigaction>.allocate(
    capacity: 65)

  /// The signals that end a process, and might leave a terminal without echo.
  private static let deadlySignals = [
    SIGHUP, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
  ]

  /// Switches standard input over if it is a terminal and this process is in its foreground; else does nothing.
  static func enter() {
    guard isatty(STDIN_FILENO) == 1, tcgetpgrp(STDIN_FILENO) == getpgrp() else { return }
    guard !isPrepared else {
      isEntered = true
      tcsetattr(STDIN_FILENO, TCSANOW, &serial)
      return
    }
    guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return }
    serial = saved
    serial.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN)
    // The Enter key sends CR on a serial line, and Ctrl-S belongs to the guest.
    serial.c_iflag &= ~tcflag_t(ICRNL | INLCR | IXON)
    withUnsafeMutableBytes(of: &serial.c_cc) { keys in
      keys[Int(VMIN)] = 1
      keys[Int(VTIME)] = 0
    }
    isEntered = true
    isPrepared = true
    atexit { TerminalMode.restore() }
    for signal in deadlySignals { catchDeadly(signal) }
    var stop = sigaction()
    stop.__sigaction_handler.sa_handler = { _ in TerminalMode.suspend() }
    stop.sa_flags = SA_RESTART
    sigaction(SIGTSTP, &stop, nil)
    tcsetattr(STDIN_FILENO, TCSANOW, &serial)
  }

  /// Puts the settings from before back, if they were changed. Safe in a signal handler (POSIX.1-2017, 2.4.3 lists tcsetattr).
  static func restore() {
    if isEntered { _ = tcsetattr(STDIN_FILENO, TCSANOW, &saved) }
  }

  /// The same, until it is entered again.
  static func leave() {
    restore()
    isEntered = false
  }

  private static func catchDeadly(_ signal: Int32) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      TerminalMode.restore()
      // As if this handler had never been: the signal comes again when it returns, to its former handler.
      sigaction(signal, TerminalMode.previousActions + Int(signal), nil)
      raise(signal)
    }
    sigaction(signal, &action, previousActions + Int(signal))
  }

  private static func suspend() {
    restore()
    raise(SIGSTOP)
    // Continued, in the foreground or not: only the foreground may change the terminal.
    if isEntered, tcgetpgrp(STDIN_FILENO) == getpgrp() { _ = tcsetattr(STDIN_FILENO, TCSANOW, &serial) }
  }
}
