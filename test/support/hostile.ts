/** A name and a password of which every layer has something to misunderstand. */
export const hostile = {
  name: `o'b "x" %s $HOME ünï, all`,
  /** 100 characters. */
  password:
    `p'w"d %s%% $HOME \${HOME} $(id) \`id\` \\n # ; = : @ / ? & + , ünï 密码 {} <> |`.padEnd(
      100,
      "x",
    ),
} as const;
