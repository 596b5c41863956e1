import Emulator
import Reports
import Traces

/// The run of a recording once more, with its past kept: for looking, not for comparing.
public struct RecordedRun {
  /// The machine, switched on and not run yet.
  public let guest: GuestMachine
  private let console: TypedConsole
  private let header: TraceHeader

  /// Builds the recording's machine with its image.
  /// - Parameters:
  ///   - image: the image to run instead of the recorded one.
  ///   - output: sees what the guest prints.
  /// - Throws: `TraceError` for a recording that can't be used, and the typed errors of images and machines.
  public init(
    of recording: String, image: String? = nil, output: any GuestConsole, isInterrupted: @escaping () -> Bool
  ) throws {
    let (recorded, _) = try TraceFile.header(of: recording)
    let setup = try TraceSetup(of: recorded, golden: recording, image: image)
    header = setup.header
    console = TypedConsole(typing: header.input, output: output, isInterrupted: isInterrupted)
    guest = try setup.makeMachine(console: console)
  }

  /// The loop that runs it to where the recording ends.
  public var loop: RunLoop {
    let pieces = header.timedInput.map { TypedInput.Piece(cycle: $0.cycle, bytes: $0.bytes) }
    let companions: [any RunCompanion] = pieces.isEmpty ? [] : [TypedInput(guest, pieces)]
    return RunLoop(guest, console: console, companions: companions, maxCycles: header.maxCycles)
  }
}
