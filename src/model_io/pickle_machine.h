#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pickle_value.h"

namespace spikelens {

/// Reads one pickle of protocol 2 to 5 from the front of `bytes` into plain data. Nothing is imported, called or built:
/// a global must be on the allow-list (pickle_globals.h), and a call becomes a note of it. The attributes that BUILD
/// gives to a dictionary (a state dict's _metadata) are kept beside its entries. Throws InputError, opened by `where`,
/// for a global that is not allowed, which it names, for opcodes that no state dict needs (INST, OBJ, EXT…), and for
/// pickles that are broken, deeper than a million values or longer than 2^26 steps. Memory: about 100 bytes for each
/// byte of the pickle at most, and never for what a length only promises.
Pickle read_pickle(std::span<const uint8_t> bytes, const std::string& where);

}  // namespace spikelens
