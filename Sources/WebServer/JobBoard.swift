import Glibc
import Synchronization

/// What the server asks of the machine's thread: questions are put here by any thread, and answered there.
public final class JobBoard: Sendable {
  /// A question of the page.
  public struct Question: Hashable, Sendable {
    /// Behind `api/`: "moment", "timeline", ...
    public var name: String
    /// From the query.
    public var parameters: [String: String]
    /// Of a POST; nil for a GET, which changes nothing.
    public var body: [UInt8]?

    /// A question; the parameters are its properties.
    public init(_ name: String, _ parameters: [String: String] = [:], body: [UInt8]? = nil) {
      self.name = name
      self.parameters = parameters
      self.body = body
    }
  }

  /// An answer: a status of HTTP and JSON.
  public struct Answer: Hashable, Sendable {
    /// 200, or why not.
    public var status: Int
    /// JSON.
    public var body: String

    /// An answer; the parameters are its properties.
    public init(_ status: Int, _ body: String) {
      self.status = status
      self.body = body
    }
  }

  private struct State {
    var waiting: [(question: Question, reply: @Sendable (Answer) -> Void)] = []
    var isOpen = true
  }

  private let state = Mutex(State())
  private let wantsStop = Atomic<Bool>(false)
  /// Readable while something waits.
  public let descriptor: Int32
  private let writer: Int32
  /// Questions that may wait at once.
  private static let maxWaiting = 256

  /// An empty board.
  public init() {
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    (descriptor, writer) = (ends[0], ends[1])
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    close(descriptor)
    close(writer)
  }

  /// Waits for the answer of the machine's thread.
  func ask(_ question: Question) async -> Answer {
    await withCheckedContinuation { continuation in
      let isTaken = state.withLock { state in
        guard state.isOpen, state.waiting.count < Self.maxWaiting else { return false }
        state.waiting.append((question, { continuation.resume(returning: $0) }))
        return true
      }
      guard isTaken else {
        return continuation.resume(returning: Answer(503, #"{"error":"the session has ended, or is busy"}"#))
      }
      var byte: UInt8 = 1
      _ = write(writer, &byte, 1)
    }
  }

  /// The page wants the guest to stop.
  func requestStop() { wantsStop.store(true, ordering: .relaxed) }

  /// Whether the page wants the guest to stop.
  public var isStopRequested: Bool { wantsStop.load(ordering: .relaxed) }

  /// What came before does not concern what runs now.
  public func forgetStop() { wantsStop.store(false, ordering: .relaxed) }

  /// The next question and who waits for its answer; nil if there is none.
  func take() -> (question: Question, reply: @Sendable (Answer) -> Void)? {
    var bytes: [UInt8] = .init(repeating: 0, count: 64)
    return state.withLock { state in
      guard !state.waiting.isEmpty else {
        _ = read(descriptor, &bytes, bytes.count)
        return nil
      }
      return state.waiting.removeFirst()
    }
  }

  /// No more questions: those that wait are told.
  public func close() {
    let rest = state.withLock { state in
      state.isOpen = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in rest { one.reply(Answer(503, #"{"error":"the session has ended"}"#)) }
  }

  private func close(_ descriptor: Int32) { Glibc.close(descriptor) }
}
