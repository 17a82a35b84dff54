# SPDX-License-Identifier: Apache-2.0
# Completion of skiff for fish: skiff itself knows the candidates.
function __skiff_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l directive 0
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        if string match -qr '^:\d+$' -- $line
            set directive (string sub -s 2 -- $line)
        else
            echo $line
        end
    end
    if test $directive -eq 0
        __fish_complete_path (commandline -ct)
    end
end
complete -c skiff -f -a '(__skiff_complete)'
