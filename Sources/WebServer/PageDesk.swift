import Debugger
import Emulator
import Reports
import WebView

/// Answers the page's questions on the machine's thread: a front-end of the debugger's session, as the shell is.
///
/// Whoever waits there for something else, a key or the guest's next slice, calls `serve` now and then.
public final class PageDesk {
  /// Where questions come from.
  public let board: JobBoard
  private let source: PageSource
  private var session: DebuggerSession { source.session }
  /// The guest runs: it can be looked at between two slices, and not be moved.
  var isRunning = false
  /// The machine is in the middle of an instruction, or the shell reads lines of a command: nothing may be moved.
  public var isHeld = false
  /// The page moves the guest now: its terminal is not the guest's.
  private(set) var isMoving = false
  /// Called around what moves the guest: Ctrl-C stops it.
  public var willMove: () -> Void = {}
  /// See `willMove`.
  public var didMove: () -> Void = {}
  /// Executes the commands of stops that were hit.
  public var executeWaiting: () -> Void = {}
  /// How often somebody else may have changed something.
  private var changes: UInt64 = 0

  /// - Parameter source: the session, and what is known of its run.
  public init(_ source: PageSource, _ board: JobBoard) {
    self.source = source
    self.board = board
  }

  /// The shell has executed a line: what the page shows may be old.
  public func noteChange() { changes += 1 }

  /// Answers all questions that wait.
  public func serve() {
    while let (question, reply) = board.take() { reply(answer(question)) }
  }

  /// The answer to a question.
  func answer(_ question: JobBoard.Question) -> JobBoard.Answer {
    if question.body != nil { return move(question) }
    guard let value = look(Parameters(question)) else {
      return Self.failure(404, "'\(question.name)' can't be asked here, or not so")
    }
    return JobBoard.Answer(200, value.text)
  }

  private static func failure(_ status: Int, _ message: String) -> JobBoard.Answer {
    JobBoard.Answer(status, JSONValue.object([.init("error", .string(message))]).text)
  }

  // MARK: Looking

  private func look(_ question: Parameters) -> JSONValue? {
    switch question.name {
    case "about": return source.about(isLive: true)
    case "status": return status
    case "moment": return source.moment()
    case "stale": return source.stale()
    case "walks": return source.walks()
    case "kernel": return source.kernelLists
    case "symbols": return source.symbols(matching: question["q"] ?? "", limit: 50)
    case "timeline":
      return question.range.map { source.timeline($0, bins: Int(clamping: question.number("bins") ?? 1000)) }
    case "events":
      let limit = Int(min(question.number("limit") ?? 250, 5000))
      return question.range.map {
        source.events($0, kinds: question.kinds, limit: limit, spread: question["spread"] == "1")
      }
    case "misses":
      guard let array = question.number("array"), let range = question.range else { return nil }
      return source.misses(Int(min(array, 1000)), range, bins: Int(min(question.number("bins") ?? 200, 512)))
    case "walk":
      if let event = question.number("event") { return source.walk(event: Int(clamping: event)) }
      return question.number("linear").flatMap { UInt32(exactly: $0) }.map { source.walk($0) }
    case "space":
      guard let from = question.number("from").flatMap({ UInt32(exactly: $0) }),
        let to = question.number("to").flatMap({ UInt32(exactly: $0) }), from <= to
      else { return nil }
      return source.space(from...to)
    case "frames":
      let from = min(question.number("from") ?? 0, 1 << 24)
      return source.frames(from..<from + min(question.number("count") ?? 1 << 24, 1 << 24))
    default: return nil
    }
  }

  private var status: JSONValue {
    guard case .object(let members) = source.status else { return .null }
    return .object(members + [.init("running", .bool(isRunning)), .init("changes", .number(changes))])
  }

  // MARK: Moving

  private func move(_ question: JobBoard.Question) -> JobBoard.Answer {
    guard !isRunning, !isMoving else { return Self.failure(409, "the guest is running: stop it first") }
    guard !isHeld else {
      return Self.failure(409, "the shell is in the middle of a command: finish it there first")
    }
    let body = String(decoding: question.body ?? [], as: UTF8.self)
    isMoving = true
    board.forgetStop()
    willMove()
    defer {
      didMove()
      isMoving = false
    }
    do throws(ShellError) {
      let answer: JSONValue
      switch question.name {
      case "do":
        guard let line = FlatJSON(body)?["command"] else {
          throw ShellError("expected {\"command\": \"...\"}")
        }
        answer = try perform(line)
      case "step":
        let object = FlatJSON(body)
        guard let what = object?["what"], let unit = PageSource.Step(rawValue: what) else {
          throw ShellError(
            "expected {\"what\": \"instruction\", \"walk\" or \"event\", \"forward\": true or false}")
        }
        try source.step(unit, forward: object?["forward"] != "false")
        answer = source.status
      default: return Self.failure(404, "'\(question.name)' can't be done here")
      }
      executeWaiting()
      return JobBoard.Answer(200, JSONValue.object([.init("answer", answer)]).text)
    } catch {
      return JobBoard.Answer(200, JSONValue.object([.init("refused", .string(error.message))]).text)
    }
  }

  /// Groups whose commands a page may give. Those of the shell itself read and write files, or ask for more lines.
  private static let groups: Set<CommandGroup> = [.run, .look, .paging, .stops, .history, .check, .kernel]
  private static let refused: Set = ["step-walk", "commands"]

  private func perform(_ line: String) throws(ShellError) -> JSONValue {
    let words = line.split(separator: " ").map(String.init)
    guard !words.isEmpty, line.utf8.count <= 4096 else {
      throw ShellError("the command is empty or too long")
    }
    let first = words[0].split(separator: "/", maxSplits: 1).first.map(String.init) ?? words[0]
    let (command, _) = try session.commands.find([first] + words.dropFirst())
    guard Self.groups.contains(command.group), !Self.refused.contains(command.name) else {
      throw ShellError("'\(command.name)' is for the shell")
    }
    return try session.answer(to: line + " --json").answer.json
  }
}

/// A question's parameters, read.
private struct Parameters {
  let question: JobBoard.Question

  init(_ question: JobBoard.Question) { self.question = question }

  var name: String { question.name }
  subscript(name: String) -> String? { question.parameters[name] }
  func number(_ name: String) -> UInt64? { self[name].flatMap { UInt64($0) } }

  var range: Range<UInt64>? {
    guard let from = number("from"), let to = number("to") else { return nil }
    // No run gets there, and sums of two have room.
    let end = min(to, 1 << 62)
    return from < end ? from..<end : nil
  }

  /// All kinds where none are named.
  var kinds: Set<LoggedKind> {
    guard let text = self["kinds"] else { return Set(LoggedKind.allCases) }
    let names = text.split(separator: ",").map(String.init)
    return Set(LoggedKind.allCases.filter { names.contains("\($0)") })
  }
}
