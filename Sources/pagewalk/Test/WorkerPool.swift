import Glibc
import HostFiles
import Traces

/// Runs this program again and again, several at a time.
enum WorkerPool {
  private struct Worker {
    var job: Int
    var process: pid_t
    var output: Int32
    var text: [UInt8] = []
    let start = ContinuousClock.now
  }

  /// What came of a job.
  struct Outcome {
    /// What it printed; nothing for a job that came to no end.
    var lines: [String] = []
    /// How long it took.
    var duration = Duration.zero
  }

  /// Runs all jobs.
  ///
  /// - Throws: `TraceError` if no process can be started.
  static func run(_ jobs: [[String]], atATime limit: Int) throws(TraceError) -> [Outcome] {
    var results = [Outcome](repeating: Outcome(), count: jobs.count)
    var workers: [Worker] = []
    var next = 0
    while next < jobs.count || !workers.isEmpty {
      while workers.count < limit, next < jobs.count, !Interruption.isRequested {
        workers.append(try start(next, jobs[next]))
        next += 1
      }
      if Interruption.isRequested, workers.isEmpty { break }
      waitForOutput(&workers)
      for index in workers.indices.reversed() where workers[index].output < 0 {
        let worker = workers.remove(at: index)
        var status: Int32 = 0
        while waitpid(worker.process, &status, 0) < 0, errno == EINTR {}
        results[worker.job].duration = ContinuousClock.now - worker.start
        guard status == 0 else { continue }
        results[worker.job].lines = String(decoding: worker.text, as: UTF8.self).split(separator: "\n").map(
          String.init)
      }
    }
    return results
  }

  private static func start(_ job: Int, _ arguments: [String]) throws(TraceError) -> Worker {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw failure(errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = (["pagewalk"] + arguments).map {
      strdup(HostName.cString($0))
    }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let error = posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, environ)
    close(ends[1])
    guard error == 0 else {
      close(ends[0])
      throw failure(error)
    }
    return Worker(job: job, process: process, output: ends[0])
  }

  private static func failure(_ code: Int32) -> TraceError {
    TraceError(file: "pagewalk", .unusableFile, "can't start a process (\(String(cString: strerror(code))))")
  }

  /// Reads what is there. A worker that has closed its end has -1 for it afterwards.
  private static func waitForOutput(_ workers: inout [Worker]) {
    var requests = workers.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
    guard poll(&requests, nfds_t(requests.count), -1) > 0 else { return }
    for index in workers.indices where requests[index].revents != 0 {
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(workers[index].output, &piece, piece.count)
      if count > 0 {
        workers[index].text += piece[..<count]
      } else if count == 0 || errno != EINTR {
        close(workers[index].output)
        workers[index].output = -1
      }
    }
  }
}
