#pragma once

#include <string_view>

namespace spikelens::app {

/// Writes everything to a descriptor. What has not arrived says errno: EPIPE where nobody reads any longer. Never
/// throws, never ends the program (process.h has signals ignored).
bool write_all(int descriptor, std::string_view bytes);

/// A message on standard error, its lines made printable. A message that cannot be written is dropped: it decides
/// nothing.
void say(std::string_view text);

/// The result on standard output, as it is. Returns the program's exit status: 1, with a sentence on standard error,
/// when it cannot be written; 1 without a word when who read it has gone.
int print_result(std::string_view text);

}  // namespace spikelens::app
