import ArgumentParser

@main
struct Pagewalk: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "pagewalk")
}
