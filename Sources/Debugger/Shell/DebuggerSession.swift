import Emulator
import GuestImages
import IA32

/// What lets the guest run. Whoever owns the console and the history stands behind it; the session only asks.
public protocol GuestRunner: AnyObject {
  /// Runs until the clock reaches `cycle` or something else stops the machine; `.interrupted` when a person asked for it.
  func run(untilCycle cycle: UInt64, passingBreakpoint: Bool) -> StopReason
  /// Sends bytes to the guest's serial port.
  func receive(_ bytes: [UInt8])
}

/// Runs the machine and nothing else. What the guest prints is kept.
public final class PlainRunner: GuestRunner {
  private let machine: Machine
  /// What the guest sent over the serial port.
  public private(set) var output: [UInt8] = []

  public init(_ machine: Machine) { self.machine = machine }

  public func run(untilCycle cycle: UInt64, passingBreakpoint: Bool) -> StopReason {
    let reason = machine.run(untilCycle: cycle, passingBreakpoint: passingBreakpoint)
    output += machine.takeSerialOutput()
    return reason
  }

  public func receive(_ bytes: [UInt8]) { machine.receive(bytes) }
}

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
public final class DebuggerSession {
  public let machine: Machine
  /// nil for a machine without an image.
  public let image: GuestImage?
  public let places: GuestPlaces
  public let runner: any GuestRunner
  public let commands: CommandTable
  public var variables = SessionVariables()
  /// How the guest ended; nil while it can go on.
  public internal(set) var ended: StopReason?
  /// `quit` was given.
  public internal(set) var wantsToQuit = false
  /// What `list` shows next.
  var listing: SourceListing?
  /// Reads a source file for `list`; nil if it can't be found.
  public var readSource: (String) -> [String]? = { _ in nil }
  private(set) lazy var names = SymbolNames(image?.symbols ?? SymbolTable())

  public init(
    machine: Machine, image: GuestImage?, runner: (any GuestRunner)? = nil,
    commands: CommandTable = .standard
  ) {
    self.machine = machine
    self.image = image
    places = GuestPlaces(image?.elf)
    self.runner = runner ?? PlainRunner(machine)
    self.commands = commands
  }

  // MARK: Where it stands

  /// Whether linear addresses go through page tables.
  public var isPaged: Bool { CR0(rawValue: machine.registers.cr0).contains(.paging) }

  /// The linear address of the next instruction.
  public var nextInstruction: UInt32 {
    let registers = machine.registers
    return registers[SegmentRegister.cs].base &+ registers.eip
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
