import Glibc
import Synchronization

/// The files that this process must not leave behind. A signal that ends it removes them first.
public enum TemporaryFiles {
  /// How many there may be at a time; one more is left to its owner alone.
  private static let maxCount = 64
  /// Their paths, each a C string that is never freed: a signal's handler may be reading it.
  nonisolated(unsafe) private static let paths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = {
    let paths = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: maxCount)
    paths.initialize(repeating: nil, count: maxCount)
    return paths
  }()
  /// What the signals did before, by number. Plain memory: a handler must not meet a reference count.
  nonisolated(unsafe) private static let previousActions = UnsafeMutablePointer<sigaction>.allocate(
    capacity: 65)
  private static let isInstalled = Mutex(false)

  /// Removes all of them. Safe in a signal's handler (POSIX.1-2017, 2.4.3 lists unlink).
  public static func removeAll() {
    for index in 0..<maxCount {
      if let path = paths[index] { unlink(path) }
    }
  }

  /// From now on `path` is removed if a signal ends the process.
  static func add(_ path: String) {
    isInstalled.withLock { installed in
      if let free = (0..<maxCount).first(where: { paths[$0] == nil }) {
        paths[free] = strdup(HostName.cString(path))
      }
      guard !installed else { return }
      installed = true
      for signal in [SIGHUP, SIGINT, SIGTERM] { listen(for: signal) }
    }
  }

  /// `path` is gone, or is to stay.
  static func forget(_ path: String) {
    isInstalled.withLock { _ in
      for index in 0..<maxCount {
        if let known = paths[index], HostName.string(cString: known) == path { paths[index] = nil }
      }
    }
  }

  private static func listen(for signal: Int32) {
    sigaction(signal, nil, previousActions + Int(signal))
    let handler = previousActions[Int(signal)].__sigaction_handler.sa_handler
    // One that is ignored stays ignored, and Ctrl-C may have a handler that ends the work in order.
    let isDefault = handler == nil
    let isIgnored = unsafeBitCast(handler, to: Int.self) == 1
    guard isDefault || (!isIgnored && signal != SIGINT) else { return }
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      TemporaryFiles.removeAll()
      // As if this handler had never been: the signal comes again when it returns.
      sigaction(signal, TemporaryFiles.previousActions + Int(signal), nil)
      raise(signal)
    }
    sigaction(signal, &action, nil)
  }
}
