import ArgumentParser
import GuestImages

extension BootProtocol: ExpressibleByArgument {}

/// What a person decides about how an image is started.
struct StartOptions: ParsableArguments {
  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp("How the image is started. (default: as its contents show)", valueName: "name"))
  var bootProtocol: BootProtocol?

  @Option(
    help: ArgumentHelp(
      "Load the file as it is at this physical address, in hexadecimal, and begin there.",
      valueName: "address"),
    transform: Self.parseLoadAddress)
  var loadAddress: UInt32?

  func validate() throws {
    if loadAddress != nil, let bootProtocol, bootProtocol != .plain {
      throw ValidationError("--load-address goes with no --protocol: such a file has none")
    }
  }

  /// There is no image, so the disk boots.
  mutating func bootDisk(_ disk: String) { if bootProtocol == nil { bootProtocol = .bootSector } }

  /// The decision as a value.
  var choice: StartChoice { StartChoice(bootProtocol: bootProtocol, loadAddress: loadAddress) }

  /// - Throws: `ValidationError` with a sentence.
  private static func parseLoadAddress(_ text: String) throws -> UInt32 {
    guard let address = StartChoice.parseAddress(text) else {
      throw ValidationError(
        "the load address '\(text)' is not a physical address below 4 GiB; expected such as 0x100000")
    }
    return address
  }
}
