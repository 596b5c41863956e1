import ArgumentParser
import Emulator
import GuestImages
import Reports
import Runs

/// What is typed at the guest's serial port from files, each from a given cycle on.
struct InputOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Type what stands in a file, from this cycle on (by default as soon as the firmware is through), and nothing else: the \
      run takes the same course every time. May be repeated.
      """, valueName: "file[@cycle]"),
    completion: .file())
  var input: [String] = []

  /// The texts with their cycles; empty where standard input is the guest's.
  ///
  /// - Throws: `GuestImageError` for a file that can't be read.
  func read() throws(GuestImageError) -> [TypedInput.Piece] {
    var pieces: [TypedInput.Piece] = []
    for text in input {
      let (file, cycle) = Self.split(text)
      pieces.append(TypedInput.Piece(cycle: cycle ?? TypedInput.earliest, bytes: try HostFile.read(file)))
    }
    return pieces
  }

  /// Cuts `FILE@CYCLE` at the last "@" behind which a number stands; a name without one has no cycle of its own.
  static func split(_ text: String) -> (file: String, cycle: UInt64?) {
    guard let at = text.lastIndex(of: "@"), at != text.startIndex,
      let cycle = UInt64(text[text.index(after: at)...])
    else { return (text, nil) }
    return (String(text[..<at]), cycle)
  }
}
