import ArgumentParser
import Emulator
import MachineDescriptions
import Runs

/// An image and the machine to boot it in.
struct GuestOptions: ParsableArguments {
  @Argument(
    help: "The file to boot. (default: the disk, by its boot sector)", completion: .file())
  var image: String?

  @OptionGroup var options: MachineOptions

  @OptionGroup var peripherals: PeripheralOptions

  mutating func validate() throws {
    guard let disk = peripherals.disk else {
      guard let image else { throw ValidationError("nothing to boot: expected an image, or --disk") }
      guard options.start.bootProtocol != .bootSector else {
        throw ValidationError("a boot sector is started with its disk: --disk \(image)")
      }
      return
    }
    if image == nil { options.starting.bootDisk(disk) }
  }

  /// The path of what is booted.
  var imagePath: String { image ?? peripherals.diskPath ?? "" }

  /// The machine with the image in it, switched on and not run yet.
  ///
  /// - Parameter console: sees what the guest prints and what is said about it.
  /// - Throws: what its parts throw, each a sentence.
  func makeMachine(console: any GuestConsole) throws -> GuestMachine {
    let description = try options.description()
    let disk = try peripherals.openDisk()
    return try GuestMachine(
      RunPreparation(
        image: imagePath, memory: options.memorySize(description), commandLine: options.append,
        modules: options.module, start: options.start),
      description: description, timing: options.timing, peripherals: peripherals.peripherals(disk),
      disk: disk, console: console)
  }
}
