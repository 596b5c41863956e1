import Glibc
import HostFiles
import Synchronization

/// Ctrl-C. The first asks the run to stop, which it does between two instructions; the second ends the process.
enum Interruption {
  private static let requested = Atomic<Bool>(false)
  /// Whether a guest runs that could be stopped.
  private static let isAwaited = Atomic<Bool>(true)

  /// Ctrl-C came while no guest ran: it is for the line being typed.
  private static let isForPrompt = Atomic<Bool>(false)

  /// Whether Ctrl-C came at the prompt since this was asked last.
  static func takePrompt() -> Bool { isForPrompt.exchange(false, ordering: .relaxed) }

  /// What came before does not concern the line that is typed now.
  static func forgetPrompt() { isForPrompt.store(false, ordering: .relaxed) }

  /// Whether somebody asked the run to stop.
  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// A guest begins to run: what came before does not stop it.
  static func begin() {
    requested.store(false, ordering: .relaxed)
    isAwaited.store(true, ordering: .relaxed)
  }

  /// It stands still: Ctrl-C has nothing to stop, and does nothing.
  static func end() { isAwaited.store(false, ordering: .relaxed) }

  /// Begins to listen for SIGINT.
  static func install() {
    // Touched here, because a handler must not be the one to initialise it.
    begin()
    forgetPrompt()
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      guard Interruption.isAwaited.load(ordering: .relaxed) else {
        return Interruption.isForPrompt.store(true, ordering: .relaxed)
      }
      guard Interruption.requested.exchange(true, ordering: .relaxed) else { return }
      TerminalMode.restore()
      TemporaryFiles.removeAll()
      signal(SIGINT, SIG_DFL)
      raise(SIGINT)
    }
    sigemptyset(&action.sa_mask)
    // Whoever waits for a line at a debugger's prompt goes on waiting.
    action.sa_flags = SA_RESTART
    sigaction(SIGINT, &action, nil)
    // Whoever started this process may have had the signal blocked, and a child inherits that.
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }
}
