# spikelens_embed(target file namespace symbol): compiles a text file into a target as `std::string_view
# spikelens::namespace::symbol()`. The file is read again whenever it changes. Called with -P, this script is its own
# generator.
if(CMAKE_SCRIPT_MODE_FILE AND EMBED_INPUT)
  file(READ "${EMBED_INPUT}" content)
  file(WRITE "${EMBED_OUTPUT}" "#include <string_view>

namespace spikelens::${EMBED_NAMESPACE} {

std::string_view ${EMBED_SYMBOL}();
std::string_view ${EMBED_SYMBOL}() { return R\"embedded(${content})embedded\"; }

}  // namespace spikelens::${EMBED_NAMESPACE}
")
  return()
endif()

set(SPIKELENS_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(spikelens_embed target file namespace symbol)
  get_filename_component(input "${file}" ABSOLUTE)
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/${symbol}.cpp")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DEMBED_INPUT=${input}" "-DEMBED_OUTPUT=${output}"
            "-DEMBED_NAMESPACE=${namespace}" "-DEMBED_SYMBOL=${symbol}" -P "${SPIKELENS_EMBED_SCRIPT}"
    DEPENDS "${input}" "${SPIKELENS_EMBED_SCRIPT}"
    COMMENT "Embedding ${file}"
    VERBATIM)
  target_sources("${target}" PRIVATE "${output}")
endfunction()
