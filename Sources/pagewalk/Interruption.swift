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
      requested.store(true, ordering: .relaxed)
    }
    // The handler goes with the first signal: the second finds the one the terminal had installed before, or death.
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
    sigemptyset(&action.sa_mask)
    sigaction(SIGINT, &action, nil)
  }
}
