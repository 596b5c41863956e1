import ArgumentParser

/// The page in a browser beside the shell.
struct WebOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Serve a page for a browser at a port of this machine alone, and print its address; without a number the system chooses the \
      port.
      """, valueName: "port"),
    transform: Self.parsePort)
  var web: UInt16?

  private static func parsePort(_ text: String) throws -> UInt16 {
    guard let port = UInt16(text) else {
      throw ValidationError("'\(text)' is not a port for --web: expected 0 to 65535")
    }
    return port
  }
}
