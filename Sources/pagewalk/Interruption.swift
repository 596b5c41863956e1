import Glibc
import Synchronization

/// Ctrl-C. The first asks the run to stop, which it does between two instructions; the second ends the process.
enum Interruption {
  private static let requested = Atomic<Bool>(false)

  /// Whether somebody asked the run to stop.
  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Begins to listen for SIGINT.
  static func install() {
    // Touched here, because a handler must not be the one to initialise it.
    requested.store(false, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      guard Interruption.requested.exchange(true, ordering: .relaxed) else { return }
      TerminalMode.restore()
      signal(SIGINT, SIG_DFL)
      raise(SIGINT)
    }
    sigemptyset(&action.sa_mask)
    sigaction(SIGINT, &action, nil)
    // Whoever started this process may have had the signal blocked, and a child inherits that.
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }
}
