import Runs
import Emulator
import IA32

/// Stops inside an access: follows translations, and holds a prompt of its own between their steps.
///
/// The machine stands in the middle of an instruction then. It can be looked at; whatever would make it go somewhere finishes
/// the access first.
final class WalkStepping: TranslationStepper {
  /// Which access is wanted.
  enum Wanted: Equatable {
    /// The next one to this 4 KiB page, or to any; of this kind, or of any.
    case access(page: UInt32?, PageAccess.Kind?)
  }

  private unowned let session: DebuggerSession
  private var wanted: Wanted?
  /// The access that is being translated.
  private var current: SteppedAccess?
  private var isStepping = false
  /// No prompt between the remaining steps.
  private var isFinishing = false
  private var shown = 0
  /// Takes all steps without a prompt, and prints nothing on the way.
  private var isSilent = false
  /// The access has been stepped through: the run ends.
  private(set) var isOver = false
  /// What was stepped through last.
  private(set) var finished: SteppedAccess?
  /// A line that was given inside an access and has to wait for its end.
  private var waiting: String?

  init(_ session: DebuggerSession) { self.session = session }

  /// The next access that is wanted is stepped through.
  func begin(_ wanted: Wanted, isSilent: Bool) {
    self.wanted = wanted
    self.isSilent = isSilent
    isOver = false
    finished = nil
    update()
  }

  /// Nothing is wanted any more.
  func end() {
    wanted = nil
    isOver = false
    isSilent = false
    current = nil
    isStepping = false
    isFinishing = false
    update()
  }

  /// Follows translations while they are to be seen.
  func update() {
    let isNeeded = wanted != nil || session.stops.enabled(.walk) != nil
    session.machine.translationStepper = isNeeded ? self : nil
  }

  func takeWaiting() -> String? {
    defer { waiting = nil }
    return waiting
  }

  // MARK: Steps

  func took(_ step: TranslationStep, at moment: EventMoment) {
    guard session.stops.isStopping, !isOver else { return }
    if case .begins(let linear, let access) = step {
      current = SteppedAccess(linear, access, at: moment)
      shown = 0
      guard matches(linear, access) else { return }
      isStepping = true
      if !isSilent { session.tell(["\(current?.title ?? "") by \(place)", SteppedAccess.header]) }
      return prompt()
    }
    guard current != nil else { return }
    current?.add(step, at: moment, session.machine)
    if !isStepping { catchWalk() }
    guard isStepping else { return }
    if current?.outcome != nil { return finish() }
    prompt()
  }

  private func matches(_ linear: UInt32, _ access: PageAccess) -> Bool {
    guard case .access(let page, let kind) = wanted, !isStepping else { return false }
    return (page == nil || page == linear >> 12) && (kind == nil || kind == access.kind)
  }

  private func catchWalk() {
    guard let access = current, access.isWalking, let stop = session.stops.enabled(.walk) else { return }
    isStepping = true
    session.stops.count(stop.number)
    session.variables.linear = access.linear
    session.tell(["\(stop.number): walk for a \(access.title) by \(place)", SteppedAccess.header])
  }

  private var place: String { session.describe(session.nextInstruction) }

  /// The access has its translation, or its fault. It happens, and the guest stands still behind its instruction.
  private func finish() {
    showNewRows()
    if !isSilent, let current { session.tell([current.summary]) }
    finished = current
    current = nil
    isStepping = false
    isFinishing = false
    isOver = true
    session.machine.requestStop()
  }

  // MARK: The prompt

  private func showNewRows() {
    guard let current, !isSilent else { return }
    let lines = (shown..<current.rows.count).flatMap { current.lines(of: $0) }
    shown = current.rows.count
    if !lines.isEmpty { session.tell(lines) }
  }

  private func prompt() {
    if isSilent { return }
    showNewRows()
    session.variables.linear = current?.linear
    // The keyboard is the shell's here, and not the guest's.
    session.console.end()
    defer { session.console.begin() }
    while !isFinishing {
      guard let line = session.takeLine("(sw) ") else {
        isFinishing = true
        return
      }
      let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
      switch words.first {
      case nil, "n", "next", "s", "si", "step", "stepi": return
      case "finish": isFinishing = true
      case "c", "cont", "continue":
        leave()
        return
      default: perform(line, words)
      }
    }
  }

  /// Lets the access and the guest go on.
  private func leave() {
    isStepping = false
    current = nil
    wanted = nil
    update()
  }

  /// What can be done with the machine in the middle of an instruction.
  private static let looking: [CommandGroup] = [.look, .paging, .check, .kernel, .shell]

  private func perform(_ line: String, _ words: [String]) {
    if let group = try? session.commands.find(words).command.group, !Self.looking.contains(group) {
      session.tell(["'\(line)' waits for the end of the access"])
      waiting = line
      isFinishing = true
      return
    }
    session.emit(session.perform(line))
    if session.wantsToQuit { isFinishing = true }
  }
}
