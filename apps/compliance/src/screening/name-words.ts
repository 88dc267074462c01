/** Words that tell little or nothing about who is meant. They are part of the configuration whose hash every screening names. */
const wordsOf = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Legal forms and titles: they say what somebody is, not who. */
export const legalForms: readonly string[] = wordsOf(`
  ab ag aktiengesellschaft as asa bv bvba cia co company corp corporation dba doo eood eg ev fze fzco fzc fzllc
  gbr gesellschaft gmbh inc incorporated jsc kft kg kgaa kk lda limited limitada llc llp lp ltd ltda mbh nv oao
  ohg ojsc ood ooo oy oyj pao pjsc plc pt pte pty pvt private public sa sab sal sarl sas sdn bhd se sl slu
  sociedad anonima societe anonyme spa srl sro sti zao zrt joint stock the and und et mr mrs ms miss dr prof sir
  sheikh shaykh haji hajji mullah mawlawi colonel oo sp
`);

/** Words that many companies have: alone they name nobody. */
export const commonWords: readonly string[] = wordsOf(`
  agency air airlines bank banco banque brothers business capital cargo center centre chemical chemicals
  commerce commercial commodities construction consulting credit development distribution east electronics
  energy engineering enterprise enterprises equipment establishment europe european exchange export factory
  finance financial first food foods foundation freight fund fuel gas general global gold group holding holdings
  house import industrial industries industry institute insurance international intl invest investment
  investments lines logistics management marine maritime market markets metal metals mining national navigation
  new north ocean office oil organization overseas partners petrochemical petroleum power products project
  projects real estate resources sea securities security service services shipping society solutions south star
  steel supply system systems tech technical technologies technology telecom textile trade trading transport
  transportation travel trust union united universal university ventures west western eastern northern southern
  world worldwide handel handels comercial comercio internacional inversiones servicios empresa compania grupo
  torgovy dom
`);

/** Particles of names of persons; a single letter weighs the same. */
export const particles: readonly string[] = wordsOf(`
  al el ul ad ar as ash at an abu abd bin ben ibn bint da das de del della den der di do dos du la le les los of
  for in on e y i van vom von zu zum zur jr sr ii iii
`);
