import ArgumentParser
import Emulator
import MachineDescriptions

/// An image and the machine to boot it in.
struct GuestOptions: ParsableArguments {
  @Argument(help: "The ELF file to boot.", completion: .file())
  var image: String

  @OptionGroup var options: MachineOptions

  /// The machine with the image in it, switched on and not run yet.
  /// - Throws: what its parts throw, each a sentence.
  func makeMachine() throws -> GuestMachine {
    let description = try options.description()
    return try GuestMachine(
      RunPreparation(
        image: image, memory: options.memorySize(description), commandLine: options.append,
        modules: options.module),
      description: description, timing: options.timing)
  }
}
