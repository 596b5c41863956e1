import Glibc

/// A child process whose text output is read line by line, each line with the time it came.
///
/// Not Foundation's `Process`: the peak memory of one child comes only from `wait4(2)`.
struct Child: ~Copyable {
  private let name: String
  private let pid: pid_t
  /// Where the lines come from.
  private let lines: CInt
  /// Output that nobody wants but somebody must take, and whose end is the child's; -1 when there is none.
  private let discarded: CInt

  /// Starts `arguments`. Lines come from its standard output, or from the FIFO at `fifo` when there is one; then
  /// standard output is thrown away.
  init(_ name: String, _ arguments: [String], fifo: String? = nil) throws(BenchError) {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .system("pipe", reason: systemError()) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    // Read and write, so that neither side waits for the other to open it.
    let end = fifo.map { open($0, O_RDWR | O_CLOEXEC) } ?? -1
    var pid: pid_t = 0
    let status = fifo != nil && end < 0 ? errno : Self.spawn(arguments, output: ends[1], pid: &pid)
    guard status == 0 else {
      close(ends[0])
      if end >= 0 { close(end) }
      throw .cannotStart(arguments[0], reason: String(cString: strerror(status)))
    }
    self.name = name
    self.pid = pid
    (lines, discarded) = fifo == nil ? (ends[0], -1) : (end, ends[0])
  }

  deinit {
    close(lines)
    if discarded >= 0 { close(discarded) }
  }

  /// Starts a process with nothing to read and `output` as its standard output; gives an errno, 0 for success.
  private static func spawn(_ arguments: [String], output: CInt, pid: inout pid_t) -> CInt {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { argv.forEach { free($0) } }
    return posix_spawnp(&pid, arguments[0], &actions, nil, &argv, environ)
  }

  /// Hands each line to `take` until that returns false or output ends. Throws when time is up.
  func readLines(
    timeout: Duration, _ take: (Substring, ContinuousClock.Instant) throws(BenchError) -> Bool
  ) throws(BenchError) {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    var chunk = [UInt8](repeating: 0, count: 4096)
    var pending: [UInt8] = []
    while true {
      let left = (deadline - clock.now) / .milliseconds(1)
      guard left > 0 else { throw .timedOut(name, seconds: Int(timeout.components.seconds)) }
      var sources = [
        pollfd(fd: lines, events: Int16(POLLIN), revents: 0),
        pollfd(fd: discarded, events: Int16(POLLIN), revents: 0),  // poll passes over fd -1
      ]
      guard poll(&sources, 2, CInt(min(left, 1e9).rounded(.up))) >= 0 || errno == EINTR else {
        throw .system("poll", reason: systemError())
      }
      let now = clock.now
      if sources[0].revents != 0 {
        let count = read(lines, &chunk, chunk.count)
        guard count > 0 else { return }
        pending += chunk[..<count]
        while let newline = pending.firstIndex(of: UInt8(ascii: "\n")) {
          let line = String(decoding: pending[..<newline], as: UTF8.self)
          pending.removeFirst(newline + 1)
          guard try take(line[...], now) else { return }
        }
      } else if sources[1].revents != 0, read(discarded, &chunk, chunk.count) <= 0 {
        return  // the child is gone
      }
    }
  }

  /// How a child ended, and the most memory it had.
  struct Ending {
    var status: String
    /// Peak resident memory, KiB (`ru_maxrss`).
    var peakKiB: Int
  }

  /// Ends the process if it still runs, and waits for it.
  consuming func end() -> Ending {
    kill(pid, SIGKILL)
    return wait()
  }

  /// Waits for the process to end by itself.
  consuming func wait() -> Ending {
    var status: CInt = 0
    var usage = rusage()
    while wait4(pid, &status, 0, &usage) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return Ending(
      status: signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)", peakKiB: usage.ru_maxrss
    )
  }
}

/// The text of `errno`.
func systemError() -> String { String(cString: strerror(errno)) }

/// Writes a line to standard error: progress and complaints, apart from the results.
func report(_ line: String) {
  let text = Array((line + "\n").utf8)
  _ = write(STDERR_FILENO, text, text.count)
}

func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }
func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

/// Whether PATH leads to `program`.
func isInstalled(_ program: String) -> Bool {
  guard let path = getenv("PATH") else { return false }
  return String(cString: path).split(separator: ":").contains { isExecutable("\($0)/\(program)") }
}
