import Runs
import Emulator
import GuestImages
import IA32

/// What `$va`, `$pa` and `$_` stand for.
public struct SessionVariables: Hashable, Sendable {
  /// `$va`: the linear address that a command or a stop was about last.
  public var linear: UInt32?
  /// `$pa`: the physical address that goes with it; after a walk the place of its last entry.
  public var physical: UInt64?
  /// `$_`: the last address examined, or the last value printed.
  public var last: UInt64?
}

/// A machine under a debugger, and what the debugger knows beside it. Commands work on it; it knows nothing of terminals.
///
/// The shell is one front-end of it, and others find here what they need: `run`, `step`, `finish`, `stepBack`, `continueBack`
/// and `goTo` move the guest, `stops` holds what stops it, `answer(to:)` executes any command.
public final class DebuggerSession {
  /// The machine that is looked at.
  public let machine: Machine
  /// nil for a machine without an image.
  public let image: GuestImage?
  /// Names and lines of the guest's addresses.
  public let places: GuestPlaces
  /// The machine's past.
  public let history: MachineHistory
  /// Where the guest's output goes, and its input comes from.
  public let console: any GuestConsole
  /// The commands that lines are made of.
  public let commands: CommandTable
  /// `$va`, `$pa` and `$_`.
  public var variables = SessionVariables()
  /// The numbered stops.
  public private(set) lazy var stops = StopList(machine)
  private(set) lazy var stale = StaleWatch(self)
  private(set) lazy var stepping = WalkStepping(self)
  /// What the guest stands at; empty when it has come here in another way.
  public internal(set) var standing: [Hit] = []
  /// The number of the frame that `up` and `down` chose.
  var selectedFrame = 0
  /// Functions, frames and variables of the image; nil if it describes none.
  private(set) lazy var debugInformation = image?.elf.flatMap { DebugInformation($0) }
  /// Lines that wait to be executed.
  var queue = LineQueue()
  /// The commands that `define` made.
  var defined: [String: [String]] = [:]
  /// What is shown at every stop.
  var displays: [Display] = []
  var nextDisplay = 1
  /// How many runs the console is with: it is the guest's from the first to the last.
  var consoleUses = 0
  /// The next line of commands, for the prompt inside a step; nil at the end of them.
  public var nextLine: (_ prompt: String) -> String? = { _ in nil }
  /// Prints lines at once.
  public var emit: ([String]) -> Void = { _ in }
  /// Who prints events; nil while none are printed.
  var tracer: ObserverID?
  /// Executes a line and gives what it answers; set by the shell.
  var perform: (String) -> [String] = { _ in [] }
  /// Told of each use of a stale translation, also in the past and whatever `set stale` says; nil for nobody.
  public var onStale: ((StaleReport) -> Void)? {
    get { stale.listener }
    set { stale.listener = newValue }
  }
  /// How the guest ended; nil while it can go on.
  public var ended: StopReason? { history.ended }
  /// `quit` was given.
  public internal(set) var wantsToQuit = false
  /// What `list` shows next.
  var listing: SourceListing?
  /// The lines of source files that were shown.
  var sources: [String: [String]] = [:]
  /// Reads a file for `list` and `source`; nil if it can't be read.
  public var readSource: (String) -> [String]? = { _ in nil }
  private(set) lazy var names = SymbolNames(image?.symbols ?? SymbolTable())

  /// - Parameters:
  ///   - history: the machine's, begun already; nil begins one here.
  public init(
    machine: Machine, image: GuestImage?, console: any GuestConsole = KeepingConsole(),
    history: MachineHistory? = nil, commands: CommandTable = .standard
  ) {
    self.machine = machine
    self.image = image
    self.console = console
    self.history = history ?? MachineHistory(machine)
    places = GuestPlaces(image?.elf)
    self.commands = commands
    stops.isTrue = { [unowned self] condition throws(ShellError) in try self.evaluate(condition) != 0 }
    stops.onChange = { [unowned self] in
      self.stale.update()
      self.stepping.update()
    }
  }

  // MARK: Where it stands

  /// Whether linear addresses go through page tables.
  public var isPaged: Bool { machine.isPaging }

  /// The linear address of the next instruction.
  public var nextInstruction: UInt32 {
    // Exact inside an instruction too, where walks are stepped.
    machine.moment.linear
  }

  /// Such as "00100014 kernel_main+0x14 (main.c:12)", as far as it is known.
  public func describe(_ linear: UInt32) -> String {
    let line = places.line(at: linear, isPaged: isPaged).map { "(\($0.description))" }
    return [LinearAddress(linear).description, shortSymbol(linear), line].compactMap(\.self).joined(
      separator: " ")
  }

  /// Such as "Guest.Kernel.vmalloc+0x12": of a Swift symbol the path alone, without parameters and types.
  func shortSymbol(_ linear: UInt32) -> String? {
    guard let whole = places.symbol(at: linear, isPaged: isPaged) else { return nil }
    guard let plus = whole.lastIndex(of: "+") else { return SymbolNames.path(of: whole) ?? whole }
    guard let path = SymbolNames.path(of: String(whole[..<plus])) else { return whole }
    return path + whole[plus...]
  }

  /// Such as " <kernel_main+0x14>"; empty where no symbol is.
  func bracketed(_ linear: UInt32) -> String {
    shortSymbol(linear).map { " <\($0)>" } ?? ""
  }
}
