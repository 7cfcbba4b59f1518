# fish completion for corunctl

set -l commands nproc cpu
set -l none "not __fish_seen_subcommand_from $commands"
set -l any "__fish_seen_subcommand_from $commands"
set -l cpu "__fish_seen_subcommand_from cpu"

complete -c corunctl -f
complete -c corunctl -n $none -a nproc -d 'Print the number of workers'
complete -c corunctl -n $none -a cpu -d 'Explain the number of workers'
complete -c corunctl -s h -l help -d 'What it takes'
complete -c corunctl -n $none -s V -l version -d 'The version'

complete -c corunctl -n $any -l root -r -a '(__fish_complete_directories)' -d 'A folder that stands for the kernel'
complete -c corunctl -n $any -l cpus -x -d 'So many CPUs, instead of asking the kernel'
complete -c corunctl -n $any -l leaf-only -d "Go's rule: without the cgroups above"
complete -c corunctl -n $any -l round -x -a 'up down nearest' -d 'How a limit becomes a whole number'
complete -c corunctl -n $any -l min -x -d 'A quota alone never gives less'
complete -c corunctl -n $any -l max -x -d 'Never more'

complete -c corunctl -n $cpu -l watch -d 'Tell each change'
complete -c corunctl -n $cpu -l json -d 'As JSON'
complete -c corunctl -n $cpu -l capture -r -F -d 'Save the files that decided'
